add_flowc_library(FlowcEmit
  Emit.cpp
  EmitBijections.cpp
  EmitNetworks.cpp
  MLIR
  LINK FlowcFrontend FlowcFlowDialect Eigen3::Eigen)
