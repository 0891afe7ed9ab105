# The rooms of the server (cmake/arrows.txt), held by the linker.

get_property(rooms GLOBAL PROPERTY SERVER_ROOMS) # the lowest first

# The highest room of which a test of the server includes a header: the test is linked with it and
# what stands below, so that what reaches up does not link.
function(room_of_test source result)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(STRINGS ${source} lines REGEX "^#include \"server/")
  set(highest server)
  foreach(room ${rooms})
    string(REPLACE "_" "/" folder ${room})
    if(lines MATCHES "\"${folder}/[a-z_0-9]+\\.h\"")
      set(highest ${room})
    endif()
  endforeach()
  set(${result} ${highest} PARENT_SCOPE)
endfunction()

# And each room whole, used by tests or not, links with nothing but what stands below it.
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/room.c "int main(void)\n{\n    return 0;\n}\n")
foreach(room ${rooms})
  add_executable(room_${room} ${CMAKE_CURRENT_BINARY_DIR}/room.c)
  target_link_libraries(room_${room} PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,${room}>)
  set_target_properties(room_${room} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/rooms)
endforeach()
