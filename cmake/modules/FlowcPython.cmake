# Which Python the package of tools/python is built and tested with: FLOWC_PYTHON, nothing if none
# has what that needs. `tools/bootstrap.sh test` makes one in BUILD/test/python.
set(FLOWC_PYTHON)
foreach(candidate ${CMAKE_BINARY_DIR}/test/python/bin/python /usr/bin/python3)
  if(NOT FLOWC_PYTHON AND NOT FLOWC_SANITIZE AND EXISTS ${candidate})
    execute_process(COMMAND ${candidate} -c "import nanobind, numpy, pytest, sysconfig, pathlib
assert (pathlib.Path(sysconfig.get_path('include')) / 'Python.h').exists()"
      RESULT_VARIABLE missing ERROR_QUIET)
    if(missing EQUAL 0)
      set(FLOWC_PYTHON ${candidate})
    endif()
  endif()
endforeach()
if(NOT FLOWC_PYTHON AND NOT FLOWC_SANITIZE)
  message(STATUS "The Python package and its tests are left out: no Python has its headers, nanobind, NumPy and pytest")
endif()
