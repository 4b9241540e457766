// Answers each note with a chord; the mapping's action is "major" or "minor".
// A plugin in C++: it uses the standard library and allocates memory.
#include <isobooth/plugin.h>

#include <array>
#include <new>
#include <string>
#include <vector>

namespace
{

class Chord
{
      public:
	explicit Chord(const isobooth_host &h) : host(h)
	{
	}

	int32_t trigger(const isobooth_event &ev)
	{
		if (ev.kind != ISOBOOTH_NOTE_ON && ev.kind != ISOBOOTH_NOTE_OFF)
			return 0;
		const std::array<int, 3> steps = {
		    0, std::string(ev.action) == "minor" ? 3 : 4, 7};
		std::vector<std::string> names;
		for (int step : steps) {
			const int key = ev.key + step;
			if (key > 127)
				continue;
			const std::array<uint8_t, 3> out = {
			    ev.raw[0], static_cast<uint8_t>(key), ev.raw[2]};
			host.midi_out(out.data(), out.size());
			names.push_back(std::to_string(key));
		}
		std::string text;
		for (const auto &n : names)
			text += text.empty() ? n : " " + n;
		return host.result(text.data(), text.size());
	}

      private:
	const isobooth_host &host;
};

int32_t start(const isobooth_host *host, void **self)
{
	*self = new (std::nothrow) Chord(*host);
	return *self ? 0 : 12;
}

int32_t trigger(void *self, const isobooth_event *ev)
{
	// An exception must not cross into C.
	try {
		return static_cast<Chord *>(self)->trigger(*ev);
	} catch (...) {
		return 1;
	}
}

void stop(void *self)
{
	delete static_cast<Chord *>(self);
}

const isobooth_table plugin = {sizeof(isobooth_table),
			       ISOBOOTH_ABI,
			       "chord",
			       "1.0.0",
			       start,
			       trigger,
			       stop};

} // namespace

const struct isobooth_table *isobooth_plugin(uint32_t host_abi)
{
	return host_abi == ISOBOOTH_ABI ? &plugin : nullptr;
}
