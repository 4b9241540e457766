/* Answers with ANSWER. */
#include "kinds.h"

static int32_t act(const char *action)
{
	(void)action;
	return ANSWER;
}
