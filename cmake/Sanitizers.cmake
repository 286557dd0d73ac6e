# OPENCLAW_SANITIZE is empty, "address;undefined" or "thread"; the presets asan and tsan set it.
set(OPENCLAW_SANITIZE "" CACHE STRING "Sanitizers for everything in this build")
if(OPENCLAW_SANITIZE)
  list(JOIN OPENCLAW_SANITIZE "," sanitizers)
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${sanitizers})
  if("undefined" IN_LIST OPENCLAW_SANITIZE)
    # clang 14 cannot write what -fsanitize=function wants of a coroutine ("difference across sections").
    add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,Clang>:-fno-sanitize=function>)
  endif()
  if("thread" IN_LIST OPENCLAW_SANITIZE)
    # TSan does not model fences, and g++ says so as an error. Asio's are doubled by its mutexes.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
    add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-tsan>)
  endif()
endif()
if(OPENCLAW_FUZZ)
  # Coverage for libFuzzer in every room; the targets themselves add -fsanitize=fuzzer.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
