using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Walks the syntax tree and writes the text. One instance renders once. Here: its state and its entry.</summary>
internal sealed partial class Renderer
{
    private readonly StringBuilder _root = new();
    private readonly List<Range> _generated = [];
    private StringBuilder _output;
    private int _line;

    public Budget Budget { get; } = new();

    private Renderer() => _output = _root;

    /// <returns>The text, and the ranges of it that <c>{% generation %}</c> blocks wrote (none inside macros: their place is not
    /// known).</returns>
    /// <exception cref="ChatTemplateException">The template fails, or takes too much.</exception>
    public static (string Text, IReadOnlyList<Range> Generated) Render(
        IReadOnlyList<Statement> template, IEnumerable<KeyValuePair<string, object?>> variables, TimeProvider clock)
    {
        var renderer = new Renderer();
        var globals = Globals.Make(clock);
        foreach (var (name, value) in variables) globals[name] = value;
        try
        {
            renderer.Execute(template, new Scope(globals));
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
            throw new JinjaError($"the template writes more than {Budget.MaxText:N0} characters.");
        _output.Append(text);
    }

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
