# No precompiled header: that is position independent for libraries, not for
# executables.
add_executable(ExpandMathTest unit/ExpandMathTest.cpp)
target_link_libraries(ExpandMathTest PRIVATE FlowcMath GTest::gtest_main)
set_target_properties(ExpandMathTest PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
gtest_discover_tests(ExpandMathTest DISCOVERY_TIMEOUT 60)
