# openclaw_room(NAME SOURCES ... TESTS ... LINKS ...)
# One room of core: a static library openclaw_NAME (alias openclaw::NAME) and, when it has tests, one
# test program NAME_test. A room sees only itself and the rooms it LINKS: the include root is the room
# list, not the tree, so an include that LINKS does not allow fails tests/layering.
function(openclaw_room NAME)
  cmake_parse_arguments(ROOM "NO_PCH" "" "SOURCES;TESTS;LINKS;PRIVATE_LINKS;TEST_LINKS" ${ARGN})
  add_library(openclaw_${NAME} STATIC ${ROOM_SOURCES})
  add_library(openclaw::${NAME} ALIAS openclaw_${NAME})
  target_include_directories(openclaw_${NAME} PUBLIC ${PROJECT_SOURCE_DIR}/core)
  target_link_libraries(openclaw_${NAME} PUBLIC openclaw::boost ${ROOM_LINKS}
                                         PRIVATE openclaw::warnings ${ROOM_PRIVATE_LINKS})
  if(NOT ROOM_NO_PCH)
    target_precompile_headers(openclaw_${NAME} REUSE_FROM openclaw_pch)
  endif()
  list(FILTER ROOM_LINKS INCLUDE REGEX "^openclaw::")
  list(FILTER ROOM_PRIVATE_LINKS INCLUDE REGEX "^openclaw::")
  set_property(GLOBAL APPEND_STRING PROPERTY openclaw_layering
    "${NAME}|${ROOM_SOURCES};${ROOM_TESTS}|${ROOM_LINKS};${ROOM_PRIVATE_LINKS}\n")
  if(OPENCLAW_UNIT_TESTS AND ROOM_TESTS)
    add_executable(${NAME}_test ${ROOM_TESTS})
    target_link_libraries(${NAME}_test PRIVATE openclaw::${NAME} openclaw::warnings ${ROOM_TEST_LINKS}
                                               GTest::gmock GTest::gtest_main)
    if(NOT ROOM_NO_PCH)
      # A program gets -fPIE, the precompiled header was made with -fPIC: gcc asks for the same.
      target_compile_options(${NAME}_test PRIVATE -fPIC)
      target_precompile_headers(${NAME}_test REUSE_FROM openclaw_pch)
    endif()
    gtest_discover_tests(${NAME}_test TEST_PREFIX ${NAME}. DISCOVERY_TIMEOUT 60
                         PROPERTIES TIMEOUT 300)
  endif()
endfunction()
