# OPENCLAW_SANITIZE is empty, "address;undefined" or "thread"; the presets asan and tsan set it.
set(OPENCLAW_SANITIZE "" CACHE STRING "Sanitizers for everything in this build")
if(OPENCLAW_SANITIZE)
  list(JOIN OPENCLAW_SANITIZE "," sanitizers)
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${sanitizers})
endif()
