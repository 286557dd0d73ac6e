# Run as a script: cmake -DOUT=<file> "-DIN=<file>;<file>" -P EmbedFiles.cmake
# Writes one char array per file, named after it ("index.html" -> index_html).
set(text "")
foreach(file IN LISTS IN)
  get_filename_component(name ${file} NAME)
  string(REGEX REPLACE "[^A-Za-z0-9]" "_" name ${name})
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND text "static constexpr char ${name}[] = {${bytes}};\n")
endforeach()
file(WRITE ${OUT} "${text}")
