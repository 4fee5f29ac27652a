# Every file here is a policy or what policies share: a new one is found.
file(GLOB EPHMAP_SOURCES CONFIGURE_DEPENDS
    RELATIVE ${CMAKE_CURRENT_LIST_DIR} ${CMAKE_CURRENT_LIST_DIR}/*.c)
