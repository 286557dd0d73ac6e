# One interface target that every room links privately: warnings and hardening.
add_library(openclaw_warnings INTERFACE)
add_library(openclaw::warnings ALIAS openclaw_warnings)
target_compile_options(
  openclaw_warnings
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wformat=2 -Wimplicit-fallthrough -Wconversion
            -Wsign-conversion
            $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
            $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>
            $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
            # g++ 12 calls the frames of Asio's coroutines mismatched as soon as it optimizes.
            $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-mismatched-new-delete>
            $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
if(CMAKE_UNITY_BUILD)
  # Files with anonymous namespaces are included by one source: that is what this warning is about.
  target_compile_options(openclaw_warnings INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endif()
# g++ 12 reports -Wnull-dereference and -Wmaybe-uninitialized from inside coroutine frames and Boost
# headers it inlines; they are left off there rather than silenced line by line.
target_compile_definitions(openclaw_warnings INTERFACE _GLIBCXX_ASSERTIONS)
target_compile_options(openclaw_warnings INTERFACE -fstack-protector-strong)
target_compile_options(openclaw_warnings INTERFACE $<$<CONFIG:Release>:-U_FORTIFY_SOURCE>
                                                   $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
target_link_options(openclaw_warnings INTERFACE -Wl,-z,relro,-z,now)
