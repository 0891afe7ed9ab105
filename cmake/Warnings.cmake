# The warnings and hardening that every target of ours is built with.

option(WARNINGS_ARE_ERRORS "Stop the build at a warning" ON)

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -fno-common)
if(WARNINGS_ARE_ERRORS)
  add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE)

# What makes a mistake harder to use. Position-independent programs whose tables are read-only once
# they are linked, in every build; what costs time or disturbs the sanitizers only in the one people
# run.
include(CheckPIESupported)
check_pie_supported()
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE
                      -D_FORTIFY_SOURCE=3)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    add_compile_options(-fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
    add_compile_options(-mbranch-protection=standard)
  endif()
endif()
