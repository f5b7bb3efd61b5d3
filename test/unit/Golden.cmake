# Values computed by FlowJAX itself, through the tool. check.py needs numpy,
# which Debian's interpreter has (python3-numpy), whatever else is on the path.
find_program(FLOWC_DEBIAN_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
foreach(dtype IN ITEMS f32 f64)
  foreach(cases IN ITEMS bijection bnaf coupling distribution maf planar spline)
    set(name golden.${cases}.${dtype})
    add_test(NAME ${name}
      COMMAND ${FLOWC_DEBIAN_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/golden/check.py $<TARGET_FILE:flowc>
              ${CMAKE_CURRENT_SOURCE_DIR}/golden --dtype ${dtype} --only ${cases}_)
    # Objects are compiled here, not taken from the user's cache.
    set_tests_properties(${name} PROPERTIES TIMEOUT 600
      ENVIRONMENT "XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test/golden-cache-${dtype}")
  endforeach()
endforeach()
