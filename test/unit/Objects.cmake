add_flowc_test(ObjectsTest DATA LINK FlowcObjects FlowcExecutionEngine FlowcAPI ${CMAKE_DL_LIBS})
