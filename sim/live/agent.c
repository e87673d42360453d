/*
 * The agent: a Win32 program that stays, and carries out one registry call for each line that it reads.
 *
 * Line:    VERB WORD...        words are separated by one blank, a line ends with a line feed
 * Answer:  ERROR WORD...       ERROR is the Win32 error in decimal, 0 for success; then what was asked for
 * Words:   numbers in decimal; names and data as hex digits of their bytes, names in UTF-16LE without terminator;
 *          "." is the empty name or data, "-" an absent one
 * Keys:    a word that names a key is its path below HKEY_LOCAL_MACHINE, or "#N": the key that handle N holds
 * Tree:    words "k DEPTH NAME CLASS" and "v NAME TYPE DATA"; values belong to the last key, the first key is depth 0
 *
 * Nothing is decided here: each verb is the Win32 call of that name (learn.microsoft.com, winreg.h), and its number
 * is handed back as it came. One thread; a wait for a watch is the only call that blocks. It ends with its input.
 *
 * Build:   x86_64-w64-mingw32-gcc -O1 -Wl,--stack,67108864 agent.c -o agent.exe -ladvapi32
 */
#define WIN32_LEAN_AND_MEAN
#define UNICODE
#include <windows.h>
#include <stdlib.h>
#include <string.h>

#define HOLDS 4096            /* handles and watches that can be in use at once */
#define NAME_UNITS 32768      /* more than any value's name has: the limit is 16,383 */
#define KEY_UNITS 512         /* more than a key's name has: the limit is 255, Wine's 256 */

typedef struct {
    char *at;
    size_t size, room;
} Text;

typedef struct {
    HKEY key;
    HANDLE event;             /* 0 for a mere handle */
    DWORD filter;
    BOOL subtree;
} Hold;

static Text line, answer;
static char *next;            /* what of the line has not been read yet */
static Hold holds[HOLDS];

/* --- memory and text -------------------------------------------------------------------------------------- */

static void *need(void *memory)
{
    if (memory == NULL) ExitProcess(ERROR_OUTOFMEMORY);
    return memory;
}

static void put(Text *text, const char *bytes, size_t size)
{
    if (text->size + size + 1 > text->room) {
        text->room = 2 * (text->size + size + 1);
        text->at = need(realloc(text->at, text->room));
    }
    memcpy(text->at + text->size, bytes, size);
    text->size += size;
    text->at[text->size] = 0;
}

static void put_number(unsigned long number)
{
    char digits[16];
    int at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    put(&answer, digits + at, sizeof digits - at);
}

static void tell_number(unsigned long number)
{
    put(&answer, " ", 1);
    put_number(number);
}

static void tell_bytes(const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    put(&answer, " ", 1);
    if (size == 0) put(&answer, ".", 1);
    for (size_t at = 0; at < size; at++) {
        char pair[2] = {digits[from[at] >> 4], digits[from[at] & 15]};
        put(&answer, pair, 2);
    }
}

static void tell_name(const WCHAR *name)
{
    tell_bytes(name, wcslen(name) * sizeof(WCHAR));
}

/* The next word of the line, "" after the last. */
static char *word(void)
{
    char *start = next;
    while (*next && *next != ' ') next++;
    if (*next) *next++ = 0;
    return start;
}

static unsigned long number(void)
{
    return strtoul(word(), NULL, 10);
}

static unsigned digit(char digit)
{
    return digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10;
}

/*
 * Bytes of a word in hex; to be freed. A name has a null character behind it, data has none: RegSetValueEx would
 * take one that happens to stand there for the terminator that its caller forgot to count.
 */
static BYTE *bytes_of(const char *text, DWORD *size)
{
    size_t count = *text == '.' || *text == '-' ? 0 : strlen(text) / 2;
    BYTE *bytes = need(malloc(count + sizeof(WCHAR)));
    memset(bytes + count, size ? 0xff : 0, sizeof(WCHAR));
    for (size_t at = 0; at < count; at++) bytes[at] = (BYTE)(digit(text[2 * at]) << 4 | digit(text[2 * at + 1]));
    if (size) *size = (DWORD)count;
    return bytes;
}

static WCHAR *name_of(const char *text)
{
    return (WCHAR *)bytes_of(text, NULL);
}

/* --- keys ------------------------------------------------------------------------------------------------- */

static Hold *hold_of(const char *text)
{
    unsigned long at = strtoul(text, NULL, 10);
    return at < HOLDS && holds[at].key ? &holds[at] : NULL;
}

static LSTATUS keep(HKEY key, Hold **kept)
{
    for (unsigned at = 1; at < HOLDS; at++)
        if (holds[at].key == NULL) {
            holds[at] = (Hold){.key = key};
            tell_number(at);
            *kept = &holds[at];
            return ERROR_SUCCESS;
        }
    RegCloseKey(key);
    return ERROR_NO_SYSTEM_RESOURCES;
}

/* Open the key that the next word names; *own says whether it is to be closed again. */
static LSTATUS open_named(HKEY *key, BOOL *own)
{
    char *text = word();
    *own = FALSE;
    if (*text == '#') {
        Hold *hold = hold_of(text + 1);
        *key = hold ? hold->key : NULL;
        return hold ? ERROR_SUCCESS : ERROR_INVALID_HANDLE;
    }
    WCHAR *path = name_of(text);
    LSTATUS error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_ALL_ACCESS, key);
    free(path);
    *own = error == ERROR_SUCCESS;
    return error;
}

static void close_named(HKEY key, BOOL own)
{
    if (own) RegCloseKey(key);
}

/* --- reading ---------------------------------------------------------------------------------------------- */

/* The data of the value, however long; to be freed where the error is 0. */
static LSTATUS query(HKEY key, const WCHAR *name, DWORD *type, BYTE **data, DWORD *size)
{
    DWORD room = 256;
    *data = need(malloc(room));
    for (;;) {
        *size = room;
        LSTATUS error = RegQueryValueExW(key, name, NULL, type, *data, size);
        if (error == ERROR_SUCCESS) return error;
        if (error != ERROR_MORE_DATA) {
            free(*data);
            return error;
        }
        room = *size > room ? *size : 2 * room;
        *data = need(realloc(*data, room));
    }
}

static LSTATUS query_value(HKEY key)
{
    WCHAR *name = name_of(word());
    DWORD type, size;
    BYTE *data;
    LSTATUS error = query(key, name, &type, &data, &size);
    if (error == ERROR_SUCCESS) {
        tell_number(type);
        tell_bytes(data, size);
        free(data);
    }
    free(name);
    return error;
}

static LSTATUS enumerate_keys(HKEY key)
{
    static WCHAR name[NAME_UNITS];
    for (DWORD at = 0;; at++) {
        DWORD units = NAME_UNITS;
        LSTATUS error = RegEnumKeyExW(key, at, name, &units, NULL, NULL, NULL, NULL);
        if (error != ERROR_SUCCESS) return error == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : error;
        tell_bytes(name, units * sizeof(WCHAR));
    }
}

/* The name at that place of the key's values, with its length; the data is queried by name. */
static LSTATUS value_name(HKEY key, DWORD at, WCHAR *name, DWORD *units)
{
    *units = NAME_UNITS;
    LSTATUS error = RegEnumValueW(key, at, name, units, NULL, NULL, NULL, NULL);
    return error == ERROR_MORE_DATA ? ERROR_SUCCESS : error;
}

static LSTATUS enumerate_values(HKEY key, const char *mark)
{
    static WCHAR name[NAME_UNITS];
    for (DWORD at = 0;; at++) {
        DWORD units, type, size;
        BYTE *data;
        LSTATUS error = value_name(key, at, name, &units);
        if (error == ERROR_SUCCESS) error = query(key, name, &type, &data, &size);
        if (error != ERROR_SUCCESS) return error == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : error;
        put(&answer, mark, strlen(mark));
        tell_bytes(name, units * sizeof(WCHAR));
        tell_number(type);
        tell_bytes(data, size);
        free(data);
    }
}

/* The key with all below it, as the words of a tree. */
static LSTATUS dump(HKEY key, const WCHAR *called, DWORD depth)
{
    static WCHAR class_name[NAME_UNITS];
    DWORD class_units = NAME_UNITS;
    LSTATUS error = RegQueryInfoKeyW(key, class_name, &class_units, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    if (error != ERROR_SUCCESS) return error;
    put(&answer, " k", 2);
    tell_number(depth);
    tell_name(called);
    if (class_units) tell_bytes(class_name, class_units * sizeof(WCHAR));
    else put(&answer, " -", 2);
    error = enumerate_values(key, " v");
    for (DWORD at = 0; error == ERROR_SUCCESS; at++) {
        WCHAR name[KEY_UNITS];
        DWORD units = KEY_UNITS;
        HKEY below;
        error = RegEnumKeyExW(key, at, name, &units, NULL, NULL, NULL, NULL);
        if (error == ERROR_NO_MORE_ITEMS) return ERROR_SUCCESS;
        if (error == ERROR_SUCCESS) error = RegOpenKeyExW(key, name, 0, KEY_READ, &below);
        if (error == ERROR_SUCCESS) {
            error = dump(below, name, depth + 1);
            RegCloseKey(below);
        }
        /* Perflib's texts and its like are no keys of the registry, though they are listed as such. */
        if (error == ERROR_INVALID_HANDLE) error = ERROR_SUCCESS;
    }
    return error;
}

/* --- writing ---------------------------------------------------------------------------------------------- */

static LSTATUS create_key(void)
{
    char *above = word();
    HKEY root = HKEY_LOCAL_MACHINE;
    if (*above == '#') {
        Hold *hold = hold_of(above + 1);
        if (hold == NULL) return ERROR_INVALID_HANDLE;
        root = hold->key;
    }
    WCHAR *path = name_of(word());
    DWORD options = number() ? REG_OPTION_VOLATILE : 0, disposition;
    char *class_word = word();
    WCHAR *class_name = *class_word == '-' ? NULL : name_of(class_word);
    HKEY key;
    LSTATUS error = RegCreateKeyExW(root, path, 0, class_name, options, KEY_ALL_ACCESS, NULL, &key, &disposition);
    if (error == ERROR_SUCCESS) {
        tell_number(disposition == REG_CREATED_NEW_KEY);
        RegCloseKey(key);
    }
    free(path);
    free(class_name);
    return error;
}

static LSTATUS link_key(void)
{
    WCHAR *path = name_of(word()), *target = name_of(word());
    HKEY key;
    LSTATUS error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, path, 0, NULL, REG_OPTION_CREATE_LINK, KEY_ALL_ACCESS, NULL,
                                    &key, NULL);
    if (error == ERROR_SUCCESS) {
        DWORD size = (DWORD)(wcslen(target) * sizeof(WCHAR));
        error = RegSetValueExW(key, L"SymbolicLinkValue", 0, REG_LINK, (const BYTE *)target, size);
        RegCloseKey(key);
    }
    free(path);
    free(target);
    return error;
}

static LSTATUS set_value(HKEY key)
{
    WCHAR *name = name_of(word());
    DWORD type = number(), size;
    BYTE *data = bytes_of(word(), &size);
    LSTATUS error = RegSetValueExW(key, name, 0, type, data, size);
    free(name);
    free(data);
    return error;
}

static LSTATUS delete_value(HKEY key)
{
    WCHAR *name = name_of(word());
    LSTATUS error = RegDeleteValueW(key, name);
    free(name);
    return error;
}

/* --- replacing a subtree ---------------------------------------------------------------------------------- */

typedef struct Value {
    struct Value *after;
    WCHAR *name;
    DWORD type, size;
    BYTE *data;
} Value;

typedef struct Tree {
    struct Tree *below, *beside;
    WCHAR *name, *class_name;
    Value *values;
} Tree;

static Tree *read_tree(char **pending, unsigned long depth);

static void read_values(Tree *tree, char **pending)
{
    while (**pending == 'v') {
        Value *value = need(calloc(1, sizeof *value));
        value->name = name_of(word());
        value->type = number();
        value->data = bytes_of(word(), &value->size);
        value->after = tree->values;
        tree->values = value;
        *pending = word();
    }
}

/* The tree whose "k" has been read from the line; *pending is the word behind it. */
static Tree *read_tree(char **pending, unsigned long depth)
{
    Tree *tree = need(calloc(1, sizeof *tree)), **last = &tree->below;
    tree->name = name_of(word());
    char *class_word = word();
    tree->class_name = *class_word == '-' ? NULL : name_of(class_word);
    *pending = word();
    read_values(tree, pending);
    while (**pending == 'k' && strtoul(next, NULL, 10) == depth + 1) {
        number();
        *last = read_tree(pending, depth + 1);
        last = &(*last)->beside;
    }
    return tree;
}

static void free_tree(Tree *tree)
{
    while (tree) {
        Tree *beside = tree->beside;
        while (tree->values) {
            Value *value = tree->values;
            tree->values = value->after;
            free(value->name);
            free(value->data);
            free(value);
        }
        free_tree(tree->below);
        free(tree->name);
        free(tree->class_name);
        free(tree);
        tree = beside;
    }
}

static BOOL same_name(const WCHAR *left, const WCHAR *right)
{
    return CompareStringOrdinal(left, -1, right, -1, TRUE) == CSTR_EQUAL;
}

/*
 * Delete what the tree does not have: from behind, since a deletion moves what follows. A value in another case goes
 * too, to come back in the tree's; a key stays as it is called, for the sake of those who hold it open.
 */
static LSTATUS prune(HKEY key, const Tree *tree)
{
    static WCHAR name[NAME_UNITS];
    DWORD keys, values, units;
    LSTATUS error = RegQueryInfoKeyW(key, 0, 0, 0, &keys, 0, 0, &values, 0, 0, 0, 0);
    for (DWORD at = values; error == ERROR_SUCCESS && at-- > 0;) {
        error = value_name(key, at, name, &units);
        const Value *value = tree->values;
        while (value && wcscmp(value->name, name)) value = value->after;
        if (error == ERROR_SUCCESS && value == NULL) error = RegDeleteValueW(key, name);
    }
    for (DWORD at = keys; error == ERROR_SUCCESS && at-- > 0;) {
        units = NAME_UNITS;
        error = RegEnumKeyExW(key, at, name, &units, NULL, NULL, NULL, NULL);
        const Tree *below = tree->below;
        while (below && !same_name(below->name, name)) below = below->beside;
        if (error == ERROR_SUCCESS && below == NULL) error = RegDeleteTreeW(key, name);
    }
    return error;
}

static LSTATUS replace(HKEY key, const Tree *tree)
{
    LSTATUS error = prune(key, tree);
    for (const Value *value = tree->values; value && error == ERROR_SUCCESS; value = value->after)
        error = RegSetValueExW(key, value->name, 0, value->type, value->data, value->size);
    for (const Tree *below = tree->below; below && error == ERROR_SUCCESS; below = below->beside) {
        HKEY opened;
        error = RegCreateKeyExW(key, below->name, 0, below->class_name, 0, KEY_ALL_ACCESS, NULL, &opened, NULL);
        if (error == ERROR_SUCCESS) {
            error = replace(opened, below);
            RegCloseKey(opened);
        }
    }
    return error;
}

/* --- watches ---------------------------------------------------------------------------------------------- */

static LSTATUS arm(Hold *hold)
{
    ResetEvent(hold->event);
    return RegNotifyChangeKeyValue(hold->key, hold->subtree, hold->filter, hold->event, TRUE);
}

static LSTATUS watch(HKEY key, BOOL own)
{
    DWORD subtree = number(), filter = number();
    HKEY held = key;
    Hold *hold;
    /* A handle of its own: one that is shared would be armed once only (RegNotifyChangeKeyValue, remarks). */
    LSTATUS error = own ? ERROR_SUCCESS : RegOpenKeyExW(key, NULL, 0, KEY_ALL_ACCESS, &held);
    if (error != ERROR_SUCCESS) return error;
    size_t before = answer.size;
    error = keep(held, &hold);
    if (error != ERROR_SUCCESS) return error;
    hold->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    hold->subtree = subtree != 0;
    hold->filter = filter;
    error = arm(hold);
    if (error != ERROR_SUCCESS) {
        answer.size = before;
        CloseHandle(hold->event);
        RegCloseKey(held);
        hold->key = NULL;
    }
    return error;
}

/* A restore as RegRestoreKey makes it is seen by no watch (its documentation): those armed here are armed again. */
static LSTATUS replace_quietly(HKEY key, const Tree *tree)
{
    static BOOL armed[HOLDS];
    for (unsigned at = 1; at < HOLDS; at++)
        armed[at] = holds[at].key && holds[at].event && WaitForSingleObject(holds[at].event, 0) == WAIT_TIMEOUT;
    LSTATUS error = replace(key, tree);
    for (unsigned at = 1; at < HOLDS; at++)
        if (armed[at] && WaitForSingleObject(holds[at].event, 0) == WAIT_OBJECT_0) arm(&holds[at]);
    return error;
}

static LSTATUS replace_key(HKEY key)
{
    BOOL quiet = number() != 0;
    char *pending = word();
    number();
    Tree *tree = read_tree(&pending, 0);
    LSTATUS error = quiet ? replace_quietly(key, tree) : replace(key, tree);
    free_tree(tree);
    return error;
}

static LSTATUS release(Hold *hold)
{
    LSTATUS error = RegCloseKey(hold->key);
    if (hold->event) CloseHandle(hold->event);
    *hold = (Hold){0};
    return error;
}

static LSTATUS wait(Hold *hold, DWORD milliseconds)
{
    if (hold->event == NULL) return ERROR_INVALID_HANDLE;
    tell_number(WaitForSingleObject(hold->event, milliseconds) == WAIT_OBJECT_0);
    return ERROR_SUCCESS;
}

/* The watches whose events are set; waits until one is, or so long. */
static LSTATUS signals(DWORD milliseconds)
{
    static HANDLE events[MAXIMUM_WAIT_OBJECTS];
    DWORD count = 0;
    for (unsigned at = 1; at < HOLDS && count < MAXIMUM_WAIT_OBJECTS; at++)
        if (holds[at].event) events[count++] = holds[at].event;
    if (count) WaitForMultipleObjects(count, events, FALSE, milliseconds);
    else Sleep(milliseconds);
    for (unsigned at = 1; at < HOLDS; at++)
        if (holds[at].event && WaitForSingleObject(holds[at].event, 0) == WAIT_OBJECT_0) tell_number(at);
    return ERROR_SUCCESS;
}

/* --- other programs --------------------------------------------------------------------------------------- */

static HANDLE open_file(WCHAR *path, DWORD access, DWORD how)
{
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    HANDLE file = CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, how, 0, NULL);
    free(path);
    return file;
}

/* Run a command line, its input from one file, what it says into two others: the error, its exit status. */
static LSTATUS run(void)
{
    STARTUPINFOW start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION process;
    WCHAR *command = name_of(word());
    DWORD status = 0, milliseconds = number();
    start.hStdInput = open_file(name_of(word()), GENERIC_READ, OPEN_EXISTING);
    start.hStdOutput = open_file(name_of(word()), GENERIC_WRITE, CREATE_ALWAYS);
    start.hStdError = open_file(name_of(word()), GENERIC_WRITE, CREATE_ALWAYS);
    LSTATUS error = ERROR_SUCCESS;
    if (!CreateProcessW(NULL, command, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &start, &process)) {
        error = GetLastError();
    } else {
        if (WaitForSingleObject(process.hProcess, milliseconds) != WAIT_OBJECT_0) {
            TerminateProcess(process.hProcess, ERROR_TIMEOUT);
            WaitForSingleObject(process.hProcess, INFINITE);
            error = ERROR_TIMEOUT;
        }
        GetExitCodeProcess(process.hProcess, &status);
        tell_number(status);
        CloseHandle(process.hThread);
        CloseHandle(process.hProcess);
    }
    free(command);
    CloseHandle(start.hStdInput);
    CloseHandle(start.hStdOutput);
    CloseHandle(start.hStdError);
    return error;
}

/* --- the loop --------------------------------------------------------------------------------------------- */

static LSTATUS delete_below(LSTATUS (WINAPI *call)(HKEY, const WCHAR *))
{
    char *above = word();
    Hold *hold = *above == '#' ? hold_of(above + 1) : NULL;
    if (*above == '#' && hold == NULL) return ERROR_INVALID_HANDLE;
    WCHAR *path = name_of(word());
    LSTATUS error = call(hold ? hold->key : HKEY_LOCAL_MACHINE, path);
    free(path);
    return error;
}

static LSTATUS on_hold(const char *verb, Hold *hold)
{
    if (hold == NULL) return ERROR_INVALID_HANDLE;
    if (!strcmp(verb, "close")) return release(hold);
    if (!strcmp(verb, "rearm")) return hold->event ? arm(hold) : ERROR_INVALID_HANDLE;
    return wait(hold, number());
}

static LSTATUS on_key(const char *verb)
{
    HKEY key;
    BOOL own;
    Hold *hold;
    LSTATUS error = open_named(&key, &own);
    if (error != ERROR_SUCCESS) return error;
    if (!strcmp(verb, "open")) return own ? keep(key, &hold) : ERROR_INVALID_PARAMETER;
    if (!strcmp(verb, "watch")) {
        error = watch(key, own);
        if (error != ERROR_SUCCESS) close_named(key, own);
        return error;
    }
    if (!strcmp(verb, "query")) error = query_value(key);
    else if (!strcmp(verb, "keys")) error = enumerate_keys(key);
    else if (!strcmp(verb, "values")) error = enumerate_values(key, "");
    else if (!strcmp(verb, "dump")) error = dump(key, L"", 0);
    else if (!strcmp(verb, "set")) error = set_value(key);
    else if (!strcmp(verb, "unset")) error = delete_value(key);
    else if (!strcmp(verb, "replace")) error = replace_key(key);
    else if (!strcmp(verb, "flush")) error = RegFlushKey(key);
    else error = ERROR_INVALID_FUNCTION;
    close_named(key, own);
    return error;
}

static LSTATUS carry_out(void)
{
    const char *verb = word();
    if (!strcmp(verb, "create")) return create_key();
    if (!strcmp(verb, "link")) return link_key();
    if (!strcmp(verb, "delete")) return delete_below(RegDeleteKeyW);
    if (!strcmp(verb, "deltree")) return delete_below(RegDeleteTreeW);
    if (!strcmp(verb, "run")) return run();
    if (!strcmp(verb, "signals")) return signals(number());
    if (!strcmp(verb, "close") || !strcmp(verb, "rearm") || !strcmp(verb, "wait")) return on_hold(verb, hold_of(word()));
    return on_key(verb);
}

static void reply(HANDLE output, LSTATUS error)
{
    static Text told;
    DWORD written;
    char *words = answer.at ? answer.at : "";
    size_t size = answer.size;
    char digits[16];
    int at = sizeof digits;
    unsigned long left = error;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    told.size = 0;
    put(&told, digits + at, sizeof digits - at);
    put(&told, words, size);
    put(&told, "\n", 1);
    for (size_t sent = 0; sent < told.size; sent += written)
        if (!WriteFile(output, told.at + sent, (DWORD)(told.size - sent), &written, NULL)) ExitProcess(0);
}

int main(void)
{
    static char block[65536];
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE), output = GetStdHandle(STD_OUTPUT_HANDLE);
    DWORD got;
    while (ReadFile(input, block, sizeof block, &got, NULL) && got > 0) {
        char *from = block, *end = block + got, *feed;
        while ((feed = memchr(from, '\n', end - from)) != NULL) {
            put(&line, from, feed - from);
            from = feed + 1;
            next = line.at;
            answer.size = 0;
            reply(output, carry_out());
            line.size = 0;
        }
        put(&line, from, end - from);
    }
    return 0;
}
