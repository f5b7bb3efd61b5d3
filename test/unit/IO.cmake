# Files, models and training.
add_flowc_test(IOTest DATA LINK FlowcIO GTest::gmock)
add_flowc_test(ModelTest DATA LINK FlowcAPI GTest::gmock)
foreach(area IN ITEMS Checkpoint Objectives Optimizer Standardize Target Training)
  add_flowc_test(${area}Test DATA LINK FlowcTraining GTest::gmock)
endforeach()
foreach(area IN ITEMS DataObjective TrainingIdentity)
  add_flowc_test(${area}Test LINK FlowcTraining GTest::gmock)
endforeach()
# Orders of rows are of no use outside.
add_flowc_test(RowOrderTest LINK FlowcTraining GTest::gmock)
target_include_directories(RowOrderTest PRIVATE ${PROJECT_SOURCE_DIR}/lib/Training)
add_flowc_test(MappedDataTest DATA LINK FlowcTraining GTest::gmock)
add_flowc_test(ApiTest DATA LINK FlowcExecutionEngine FlowcAPI GTest::gmock)
