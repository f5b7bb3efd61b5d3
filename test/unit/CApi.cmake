add_flowc_test(CApiTest DATA SOURCES unit/CApiErrorsTest.cpp unit/CApiTrainingTest.cpp LINK FlowcCAPI GTest::gmock)
target_include_directories(CApiTest PRIVATE ${PROJECT_SOURCE_DIR}/lib/CAPI)
target_compile_definitions(CApiTest PRIVATE FLOWC_VERSION="${PROJECT_VERSION}")
# Bodies of calls throw in tests.
target_compile_options(CApiTest PRIVATE -fexceptions)
