# openclaw_add_plugin(NAME SOURCES file... [MANIFEST openclaw.plugin.json] [LINKS target...] [SHARED_RUNTIME] [TEST_ONLY])
#
# A MODULE target `openclaw_plugin_NAME` whose file is libopenclaw-NAME.so, with its manifest beside it in
# <build>/plugins/NAME/; both are installed to <libdir>/openclaw/plugins/NAME/. The library exports
# openclaw_plugin_v1 and nothing else, stays mapped once loaded, and has every symbol resolved at link time.
#
# The header openclaw_manifest.h is generated from the manifest: OPENCLAW_PLUGIN_ID and the char array
# openclaw_manifest_json, so that the text in the library and the file beside it cannot differ.
#
# A C++ plugin brings its own libstdc++ (a newer compiler's would otherwise ask for symbol versions that the
# gateway's library lacks) unless SHARED_RUNTIME is given; plugins of the gateway's own tree share it.
include_guard(GLOBAL)
include(GNUInstallDirs)

function(openclaw_add_plugin NAME)
  cmake_parse_arguments(PARSE_ARGV 1 PLUGIN "SHARED_RUNTIME;TEST_ONLY" "MANIFEST" "SOURCES;LINKS")
  if(NOT PLUGIN_SOURCES)
    message(FATAL_ERROR "openclaw_add_plugin(${NAME}): SOURCES is empty")
  endif()
  if(NOT PLUGIN_MANIFEST)
    set(PLUGIN_MANIFEST openclaw.plugin.json)
  endif()
  set(target openclaw_plugin_${NAME})
  set(out ${CMAKE_BINARY_DIR}/plugins/${NAME})
  if(PLUGIN_TEST_ONLY)
    set(out ${CMAKE_BINARY_DIR}/test-plugins/${NAME})
  endif()
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${target}_generated)
  _openclaw_plugin_manifest(${NAME} "${PLUGIN_MANIFEST}" "${generated}" "${out}")

  add_library(${target} MODULE ${PLUGIN_SOURCES})
  set_property(GLOBAL APPEND PROPERTY OPENCLAW_PLUGIN_TARGETS ${target})
  target_include_directories(${target} PRIVATE ${generated})
  target_link_libraries(${target} PRIVATE openclaw::plugin_api ${PLUGIN_LINKS})
  target_compile_features(${target} PRIVATE c_std_11 cxx_std_20)
  set_target_properties(
    ${target}
    PROPERTIES OUTPUT_NAME openclaw-${NAME}
               PREFIX lib
               SUFFIX .so
               LIBRARY_OUTPUT_DIRECTORY ${out}
               POSITION_INDEPENDENT_CODE ON
               C_VISIBILITY_PRESET hidden
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               LINK_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/openclaw-plugin.map)
  target_link_options(
    ${target} PRIVATE -Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/openclaw-plugin.map
    -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now)
  # clang leaves the sanitizer runtime to the executable, so its symbols are open in a library.
  if(NOT (CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND OPENCLAW_SANITIZE))
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  if(TARGET openclaw_warnings)
    target_link_libraries(${target} PRIVATE openclaw::warnings)
  elseif(NOT PLUGIN_SHARED_RUNTIME)
    target_link_options(${target} PRIVATE $<$<LINK_LANGUAGE:CXX>:-static-libstdc++>
                        $<$<LINK_LANGUAGE:CXX>:-static-libgcc> -Wl,--exclude-libs,ALL)
  endif()
  if(PLUGIN_TEST_ONLY)
    return()
  endif()
  install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/openclaw/plugins/${NAME})
  install(FILES ${out}/openclaw.plugin.json DESTINATION ${CMAKE_INSTALL_LIBDIR}/openclaw/plugins/${NAME})
endfunction()

# Checks the manifest, copies it to `out` and writes openclaw_manifest.h into `generated`.
function(_openclaw_plugin_manifest NAME manifest generated out)
  get_filename_component(manifest "${manifest}" ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${manifest})
  file(READ ${manifest} text)
  string(JSON id ERROR_VARIABLE error GET "${text}" id)
  if(error)
    message(FATAL_ERROR "openclaw_add_plugin(${NAME}): ${manifest} has no \"id\": ${error}")
  endif()
  string(JSON schema ERROR_VARIABLE error TYPE "${text}" configSchema)
  if(error OR NOT schema STREQUAL "OBJECT")
    message(FATAL_ERROR "openclaw_add_plugin(${NAME}): ${manifest} needs an object \"configSchema\"")
  endif()
  string(JSON library ERROR_VARIABLE error GET "${text}" native library)
  if(NOT error AND NOT library STREQUAL "libopenclaw-${NAME}.so")
    message(FATAL_ERROR "openclaw_add_plugin(${NAME}): native.library in ${manifest} is \"${library}\", "
                        "but the file will be libopenclaw-${NAME}.so")
  endif()
  # An array of characters rather than a literal: no escapes, no limit on its length in C.
  file(READ ${manifest} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," hex "${hex}")
  string(REGEX REPLACE "(('\\\\x..',)('\\\\x..',)('\\\\x..',)('\\\\x..',)('\\\\x..',)('\\\\x..',)('\\\\x..',)('\\\\x..',))"
                       "\\1\n  " hex "${hex}")
  file(CONFIGURE OUTPUT ${generated}/openclaw_manifest.h @ONLY CONTENT
"/* Generated from openclaw.plugin.json by openclaw_add_plugin(). */
#ifndef OPENCLAW_MANIFEST_H
#define OPENCLAW_MANIFEST_H
#define OPENCLAW_PLUGIN_ID \"@id@\"
static const char openclaw_manifest_json[] = {
  @hex@ '\\0'};
#endif
")
  configure_file(${manifest} ${out}/openclaw.plugin.json COPYONLY)
endfunction()
