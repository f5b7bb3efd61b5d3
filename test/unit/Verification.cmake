# Whether a flow keeps its promises.
foreach(part IN ITEMS Verification VerificationParts)
  add_flowc_test(${part}Test LINK FlowcVerification FlowcExecutionEngine GTest::gmock)
  target_include_directories(${part}Test PRIVATE ${PROJECT_SOURCE_DIR}/lib/Verification)
endforeach()
