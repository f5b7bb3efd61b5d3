# What `tools/bootstrap.sh package` makes: a Debian package, which needs Debian's LLVM, and an
# archive for any Linux, in which the tool and libflowc have LLVM and MLIR inside: what they
# use of the static libraries, hidden, so that a program may have another LLVM beside it.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
set(CPACK_PACKAGE_CONTACT "the authors of flowc")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "compiler for normalizing flows")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# (Where programs find libLLVM.so there may be a link to it, of the package for developers:
# dpkg-shlibdeps then does not say whose it is.)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libllvm${LLVM_VERSION_MAJOR}")
# What flowc::cpp needs beside it.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
  "llvm-22-dev, libmlir-22-dev, libeigen3-dev, libtbb-dev, zlib1g-dev, nlohmann-json3-dev")
include(CPack)

file(GLOB static_llvm ${LLVM_LIBRARY_DIR}/libMLIR*.a ${LLVM_LIBRARY_DIR}/libLLVM*.a)
# (LLVM's zstd; there is no need for its header.)
find_library(FLOWC_ZSTD_LIBRARY NAMES zstd libzstd.so.1)
if(NOT static_llvm OR NOT FLOWC_ZSTD_LIBRARY OR FLOWC_SANITIZE)
  return()
endif()

get_property(flowc_libraries GLOBAL PROPERTY FLOWC_LIBRARIES)
set(flowc_archives)
foreach(library IN LISTS flowc_libraries)
  list(APPEND flowc_archives $<TARGET_FILE:${library}>)
endforeach()

# link_packaged(NAME RPATH folder): as `flowc_libraries` would be linked, but with static
# LLVM. Libraries that come along are looked for in `folder` of the archive, also by each
# other.
function(link_packaged name rpath)
  add_dependencies(${name} ${flowc_libraries})
  set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON LINKER_LANGUAGE CXX BUILD_WITH_INSTALL_RPATH ON
    INSTALL_RPATH ${rpath})
  target_link_options(${name} PRIVATE LINKER:--gc-sections LINKER:-s LINKER:--disable-new-dtags
    LINKER:--build-id=sha1 LINKER:--exclude-libs,ALL)
  target_link_libraries(${name} PRIVATE -Wl,--start-group ${flowc_archives} ${static_llvm} -Wl,--end-group
    TBB::tbb ZLIB::ZLIB ${FLOWC_ZSTD_LIBRARY} ${ARGN})
endfunction()

add_executable(FlowcPackagedTool $<TARGET_OBJECTS:flowc>)
# (Not `flowc`: ninja would build this one by that name.)
set_target_properties(FlowcPackagedTool PROPERTIES OUTPUT_NAME flowc-packaged
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/package/bin)
link_packaged(FlowcPackagedTool "\$ORIGIN/../lib/flowc" ${CAIRO_LIBRARY})

add_library(FlowcPackagedLibrary SHARED $<TARGET_OBJECTS:FlowcCAPI>)
get_target_property(version FlowcShared VERSION)
get_target_property(soversion FlowcShared SOVERSION)
get_target_property(flowc_exports FlowcShared LINK_DEPENDS)
set_target_properties(FlowcPackagedLibrary PROPERTIES OUTPUT_NAME flowc VERSION ${version} SOVERSION ${soversion}
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/package/lib LINK_DEPENDS ${flowc_exports})
target_link_options(FlowcPackagedLibrary PRIVATE LINKER:--version-script=${flowc_exports} LINKER:-z,defs)
link_packaged(FlowcPackagedLibrary "\$ORIGIN/flowc")

add_custom_target(archive
  COMMAND python3 ${PROJECT_SOURCE_DIR}/tools/package/archive.py ${CMAKE_BINARY_DIR} ${PROJECT_VERSION}
          ${PROJECT_SOURCE_DIR}/LICENSE
  DEPENDS FlowcPackagedTool FlowcPackagedLibrary
  USES_TERMINAL VERBATIM)

if(FLOWC_PYTHON)
  add_custom_target(wheel
    COMMAND python3 ${PROJECT_SOURCE_DIR}/tools/package/wheel.py ${CMAKE_BINARY_DIR} ${PROJECT_VERSION}
            ${PROJECT_SOURCE_DIR}/LICENSE ${FLOWC_PYTHON}
    DEPENDS FlowcPackagedTool FlowcPackagedLibrary
    USES_TERMINAL VERBATIM)
endif()
