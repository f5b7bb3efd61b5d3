# Whole flows through the public interface. The judges are the reference
# interpreter (lib/Reference), finite differences of it, and exact equality.
foreach(area IN ITEMS ApiThreads Gradients Invariance PropertiesBijections PropertiesBlock PropertiesDistributions
                      PropertiesDraws PropertiesEdges PropertiesRoots PropertiesSamplers)
  add_flowc_test(${area}Test LINK FlowcReference FlowcTraining)
endforeach()
foreach(area IN ITEMS Properties PropertiesGradients)
  add_flowc_test(${area}Test SOURCES unit/RandomFlows.cpp unit/RandomLeaves.cpp LINK FlowcReference FlowcTraining)
endforeach()
add_flowc_test(GradientModesTest DATA LINK FlowcTraining FlowcIO GTest::gmock)
add_flowc_test(VerifiedKernelsTest DATA LINK FlowcExecutionEngine FlowcAPI)
add_flowc_test(TangentsTest DATA SOURCES unit/RandomFlows.cpp unit/RandomLeaves.cpp LINK FlowcReference FlowcTraining)
# The names of all constructors.
target_include_directories(PropertiesTest PRIVATE ${PROJECT_SOURCE_DIR}/lib/Frontend)
