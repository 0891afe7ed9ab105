# The floors of the server (cmake/arrows.txt), held by the linker.

get_property(floors GLOBAL PROPERTY SERVER_FLOORS) # the lowest first

# The highest floor of which a test of the server includes a header: the test is linked with it and
# what stands below, so that what reaches up does not link.
function(floor_of_test source result)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(STRINGS ${source} lines REGEX "^#include \"server/")
  set(highest server)
  foreach(floor ${floors})
    string(REPLACE "_" "/" folder ${floor})
    if(lines MATCHES "\"${folder}/[a-z_0-9]+\\.h\"")
      set(highest ${floor})
    endif()
  endforeach()
  set(${result} ${highest} PARENT_SCOPE)
endfunction()

# And each floor whole, used by tests or not, links with nothing but what stands below it.
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/floor.c "int main(void)\n{\n    return 0;\n}\n")
foreach(floor ${floors})
  add_executable(floor_${floor} ${CMAKE_CURRENT_BINARY_DIR}/floor.c)
  target_link_libraries(floor_${floor} PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,${floor}>)
  set_target_properties(floor_${floor} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/floors)
endforeach()
