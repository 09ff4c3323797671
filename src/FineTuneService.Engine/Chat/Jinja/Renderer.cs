using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Walks the syntax tree and writes the text. One instance renders once. Here: its state and its entry.</summary>
internal sealed partial class Renderer
{
    private readonly StringBuilder _root = new();
    private readonly List<Range> _generated = [];
    private readonly Template _template;
    private StringBuilder _output;
    private Scope _context;
    private string? _block;
    private bool _escapes;
    private int _line;

    public Budget Budget { get; } = new();

    private Renderer(Template template, Scope globals) => (_template, _output, _context) = (template, _root, new Scope(globals));

    /// <returns>The text, and the ranges of it that <c>{% generation %}</c> blocks wrote (none inside macros: their place is not
    /// known).</returns>
    /// <exception cref="ChatTemplateException">The template fails, or takes too much.</exception>
    public static (string Text, IReadOnlyList<Range> Generated) Render(
        Template template, IEnumerable<KeyValuePair<string, JsonNode?>> variables, TimeProvider clock)
    {
        var globals = Globals.Make(clock);
        var renderer = new Renderer(template, globals);
        try
        {
            foreach (var (name, value) in variables) globals[name] = JsonValues.Read(value, renderer.Budget);
            renderer.Execute(template.Statements, renderer._context);
        }
        catch (JinjaError error)
        {
            throw new ChatTemplateException(error.Message, renderer._line, error.Feature);
        }
        return (renderer._root.ToString(), renderer._generated);
    }

    private void Write(string text)
    {
        if (_output.Length + (double)text.Length > Budget.MaxText)
            throw new JinjaError($"the template writes more than {Budget.MaxText} characters.");
        Budget.Scan(text.Length);
        _output.Append(text);
    }

    private void Write(object? value) => Write(_escapes ? Markup.Escape(value, Budget).Text : Repr.Str(value, Budget));

    /// <summary>What <paramref name="write"/> writes, as a text of its own.</summary>
    private string Capture(Action write)
    {
        var outer = _output;
        _output = new StringBuilder();
        try
        {
            write();
            Budget.Allocate(_output.Length);
            return _output.ToString();
        }
        finally
        {
            _output = outer;
        }
    }
}
