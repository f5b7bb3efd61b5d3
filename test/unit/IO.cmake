# Files, models and training.
add_flowc_test(IOTest DATA LINK FlowcIO GTest::gmock)
add_flowc_test(ModelTest DATA LINK FlowcAPI GTest::gmock)
foreach(area IN ITEMS Objectives Optimizer Standardize Target Training)
  add_flowc_test(${area}Test DATA LINK FlowcTraining GTest::gmock)
endforeach()
add_flowc_test(ApiTest DATA LINK FlowcExecutionEngine FlowcAPI GTest::gmock)
