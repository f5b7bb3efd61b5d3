# No precompiled header: that is position independent for libraries, not for
# executables.
add_flowc_test(ExpandMathTest LINK FlowcMath)
add_flowc_test(GammaSlopeTest DATA LINK FlowcMath)
