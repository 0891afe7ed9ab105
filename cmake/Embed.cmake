# embed(target file symbol): compiles a file into the target as
#   extern const char symbol[];  extern const size_t symbol_length;
# A NUL follows the bytes, so that text can be used as a string.
#
# embed(target file symbol ASSET): a file for browsers. Also its content's name for a cache, and both
# again compressed:
#   symbol_etag;  symbol_gzip, symbol_gzip_length, symbol_gzip_etag
#
# embed(target file symbol SCRIPT): a Lua script for Redis, with its name there, as
#   extern const struct redis_script symbol;

set(EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/EmbedFile.cmake)

function(embed target file symbol)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${symbol}.c)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUTPUT=${output}
            -DSYMBOL=${symbol} -DKIND=${ARGN} -P ${EMBED_SCRIPT}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${EMBED_SCRIPT}
    COMMENT "Embedding ${file}")
  target_sources(${target} PRIVATE ${output})
endfunction()
