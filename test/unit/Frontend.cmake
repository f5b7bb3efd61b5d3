# The front end's tests need no MLIR.
foreach(part IN ITEMS Block Density Golden Inverses Nodes Parts Simple Distributions Parser Errors Initialise)
  set(name Frontend${part}Test)
  add_executable(${name} unit/${name}.cpp)
  target_link_libraries(${name} PRIVATE FlowcFrontend GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE FLOWC_GOLDEN_DIR="${CMAKE_CURRENT_SOURCE_DIR}/golden")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endforeach()
