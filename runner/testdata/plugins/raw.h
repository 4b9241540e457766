#include "../../attack/plugins/raw.h"
