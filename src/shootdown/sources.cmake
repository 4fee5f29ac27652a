# Every file here is a protocol or what protocols share: a new one is found.
file(GLOB EPHMAP_SOURCES CONFIGURE_DEPENDS
    RELATIVE ${CMAKE_CURRENT_LIST_DIR} ${CMAKE_CURRENT_LIST_DIR}/*.c)
