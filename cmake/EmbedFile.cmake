# Writes OUTPUT, a C file that holds the bytes of INPUT as SYMBOL; an ASSET also has what a web
# server needs beside them, a SCRIPT what Redis does (see Embed.cmake).

# embed_bytes(FILE SYMBOL): adds the declaration and the bytes to `code`.
function(embed_bytes file symbol)
  file(READ ${file} bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR length "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  string(REGEX REPLACE "(...........................................................................................)" "\\1\n" bytes "${bytes}")
  string(APPEND code "\nextern const char ${symbol}[];\nextern const size_t ${symbol}_length;\n"
    "const char ${symbol}[] = {\n${bytes}'\\0'};\nconst size_t ${symbol}_length = ${length};\n")
  if(KIND STREQUAL "ASSET")
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 24 hash)
    string(APPEND code "extern const char ${symbol}_etag[];\n"
      "const char ${symbol}_etag[] = \"\\\"${hash}\\\"\";\n")
  endif()
  set(code "${code}" PARENT_SCOPE)
endfunction()

set(code "#include <stddef.h>\n")
if(KIND STREQUAL "SCRIPT")
  set(script ${SYMBOL})
  set(SYMBOL ${SYMBOL}_text)
endif()
embed_bytes(${INPUT} ${SYMBOL})
if(KIND STREQUAL "ASSET")
  # Without a name or a time inside, so that the same file gives the same bytes.
  execute_process(COMMAND gzip -9nc INPUT_FILE ${INPUT} OUTPUT_FILE ${OUTPUT}.gz
    COMMAND_ERROR_IS_FATAL ANY)
  embed_bytes(${OUTPUT}.gz ${SYMBOL}_gzip)
  file(REMOVE ${OUTPUT}.gz)
endif()
if(KIND STREQUAL "SCRIPT")
  file(SHA1 ${INPUT} hash)
  string(APPEND code "#include \"store/redis/script.h\"\nextern const struct redis_script ${script};\n"
    "const struct redis_script ${script} = {${SYMBOL}, sizeof ${SYMBOL} - 1, \"${hash}\"};\n")
endif()
file(WRITE ${OUTPUT} "${code}")
