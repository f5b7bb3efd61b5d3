# The front end's tests need no MLIR.
foreach(part IN ITEMS Block Density Distributions Errors Golden Initialise Inverses Nodes Parser Parts Recovery Simple
        WrongUse)
  add_flowc_test(Frontend${part}Test DATA PROCESSES 1 LINK FlowcFrontend GTest::gmock)
endforeach()

# Every text is answered in time, whatever it holds: in the time and the memory of a normal build.
add_flowc_test(LargeTextsTest UNSANITIZED LINK FlowcExplain FlowcAPI)
