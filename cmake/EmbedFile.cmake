# Writes OUTPUT, a C file that holds the bytes of INPUT as SYMBOL (see Embed.cmake).

file(READ ${INPUT} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR length "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
string(REGEX REPLACE "(...........................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT}
  "#include <stddef.h>\n\nextern const char ${SYMBOL}[];\nextern const size_t ${SYMBOL}_length;\n\n"
  "const char ${SYMBOL}[] = {\n${bytes}'\\0'};\nconst size_t ${SYMBOL}_length = ${length};\n")
