add_flowc_library(FlowcEmit
  Emit.cpp
  EmitBijections.cpp
  EmitBlock.cpp
  EmitCombinators.cpp
  EmitDensity.cpp
  EmitDensityArrays.cpp
  EmitDistributions.cpp
  EmitElementwise.cpp
  EmitFormula.cpp
  EmitInverses.cpp
  EmitLinear.cpp
  EmitMath.cpp
  EmitNetworks.cpp
  FLOW
  LINK FlowcFrontend FlowcFlowDialect FlowcSampleDialect Eigen3::Eigen)
