"""Lines of the attack list that the server's tests do not run, and why."""

NOT_YET = {
    "D23": "there is one token, hence one owner of all jobs",
    "E19": "LoRA files are read in workers only; bad ones: tests/nodes/families/test_lora.py",
    "F08": "the frame of a plugin's widget is tried in a browser (tests/browser/test_plugin_widget.py)",
    "F12": "isolated plugins are fenced in (tests/engine/isolation/test_fence.py); others are trusted, as documented",
}
