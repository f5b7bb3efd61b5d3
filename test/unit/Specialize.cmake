add_flowc_test(SpecializeTest DATA PROCESSES 1
  SOURCES unit/SampleInterpreter.cpp unit/SampleInterpreterMatrices.cpp unit/SampleInterpreterBlock.cpp
  LINK FlowcEmit FlowcFlowTransforms FlowcIO MLIR LLVM)
