# SPDX-License-Identifier: MIT
#
# batchlab_add_plugin(<name> <source>...): a plugin <name>.so from files of controllers,
# with all that it needs of batchlab inside and nothing visible but its entry. What is
# missing in it is an error here, not when it is loaded.
function(batchlab_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE batchlab::controllers)
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX .so
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  target_link_options(${name} PRIVATE LINKER:--version-script=${map} LINKER:-z,defs)
  set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${map})
  # Else it is not loaded where the umask leaves files writable to a group.
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND chmod go-w $<TARGET_FILE:${name}> VERBATIM)
endfunction()
