# How good a flow is.
add_flowc_test(EvaluationTest DATA LINK FlowcEvaluation)
# Wrong calls of the C++ interface.
add_flowc_test(MisuseTest LINK FlowcEvaluation FlowcTargets FlowcTraining FlowcExecutionEngine)
target_include_directories(EvaluationTest PRIVATE ${PROJECT_SOURCE_DIR}/lib/Evaluation)
