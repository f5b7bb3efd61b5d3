# Files, models and training.
function(flowc_add_io_test name)
  add_executable(${name} unit/${name}.cpp)
  target_link_libraries(${name} PRIVATE ${ARGN} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE FLOWC_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data"
                                             FLOWC_GOLDEN_DIR="${CMAKE_CURRENT_SOURCE_DIR}/golden")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endfunction()

flowc_add_io_test(IOTest FlowcIO)
flowc_add_io_test(ModelTest FlowcAPI)
flowc_add_io_test(TrainingTest FlowcTraining)
flowc_add_io_test(ApiTest FlowcExecutionEngine FlowcAPI)
