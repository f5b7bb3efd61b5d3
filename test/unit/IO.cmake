# Files, models and training.
add_flowc_test(IOTest DATA LINK FlowcIO GTest::gmock)
add_flowc_test(ModelTest DATA LINK FlowcAPI GTest::gmock)
add_flowc_test(TrainingTest DATA LINK FlowcTraining GTest::gmock)
add_flowc_test(ApiTest DATA LINK FlowcExecutionEngine FlowcAPI GTest::gmock)
