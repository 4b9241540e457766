int execute(void)
{
	return 42;
}
