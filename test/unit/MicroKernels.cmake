add_flowc_test(MicroKernelsTest LINK FlowcMath)
