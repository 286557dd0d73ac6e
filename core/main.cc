#include "cli/cli.h"

int main(int argc, char** argv) { return openclaw::cli::run(argc, argv); }
