add_flowc_test(ObjectsTest DATA LINK FlowcObjects FlowcExecutionEngine FlowcAPI ${CMAKE_DL_LIBS})
add_flowc_test(TargetInfoTest LINK FlowcObjects FlowcExecutionEngine FlowcAPI FlowcTestTargets)
