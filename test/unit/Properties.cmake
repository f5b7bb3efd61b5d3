# Whole flows through the public interface. The judges are the reference
# interpreter (lib/Reference), finite differences of it, and exact equality.
foreach(area IN ITEMS ApiThreads Gradients Invariance Properties PropertiesBijections PropertiesBlock PropertiesEdges PropertiesDistributions PropertiesDraws PropertiesRoots PropertiesSamplers)
  set(name ${area}Test)
  add_executable(${name} unit/${name}.cpp)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
  target_link_libraries(${name} PRIVATE FlowcReference FlowcTraining GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endforeach()
target_sources(PropertiesTest PRIVATE unit/RandomFlows.cpp unit/RandomLeaves.cpp)
