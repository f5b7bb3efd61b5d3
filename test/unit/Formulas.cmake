# Bijections given by a formula, from text to kernels, and the algebra behind them.
add_executable(FormulasTest unit/FormulasTest.cpp)
target_link_libraries(FormulasTest PRIVATE FlowcReference FlowcTraining GTest::gtest_main)
add_executable(SymbolicTest unit/SymbolicTest.cpp)
target_link_libraries(SymbolicTest PRIVATE FlowcFrontend GTest::gtest_main)
foreach(name IN ITEMS FormulasTest SymbolicTest)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endforeach()
