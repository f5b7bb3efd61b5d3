# Whether a flow keeps its promises.
add_flowc_test(VerificationTest LINK FlowcVerification)
target_include_directories(VerificationTest PRIVATE ${PROJECT_SOURCE_DIR}/lib/Verification)
