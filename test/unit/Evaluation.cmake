# How good a flow is.
add_flowc_test(EvaluationTest DATA LINK FlowcEvaluation)
target_include_directories(EvaluationTest PRIVATE ${PROJECT_SOURCE_DIR}/lib/Evaluation)
