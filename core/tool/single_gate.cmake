# The proof that nothing but the router runs a tool (tool/tool.h): the compiler refuses the call, and no object
# file of core refers to the run() of a tool in another one.
set(gate_definitions "$<TARGET_PROPERTY:openclaw_boost,INTERFACE_COMPILE_DEFINITIONS>")
add_test(NAME tool.R226OnlyTheRouterMayCallRun
         COMMAND ${CMAKE_COMMAND} -DCXX=${CMAKE_CXX_COMPILER} -DNM=${CMAKE_NM} -DCORE=${PROJECT_SOURCE_DIR}/core
                 -DLIBRARIES=${PROJECT_BINARY_DIR}/core "-DDEFINITIONS=${gate_definitions}"
                 -P ${CMAKE_CURRENT_LIST_DIR}/single_gate_check.cmake)
set_tests_properties(tool.R226OnlyTheRouterMayCallRun PROPERTIES TIMEOUT 120)
