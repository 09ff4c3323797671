using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Walks the syntax tree and writes the text. One instance renders once. Here: its state and its entry.</summary>
internal sealed partial class Renderer
{
    private readonly StringBuilder root = new();
    private readonly List<Range> generated = [];
    private StringBuilder output;
    private int line;

    public Budget Budget { get; } = new();

    private Renderer() => output = root;

    /// <returns>The text, and the ranges of it that <c>{% generation %}</c> blocks wrote (none inside macros: their place is not known).</returns>
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
            throw new ChatTemplateException(error.Message, renderer.line, error.Feature);
        }
        return (renderer.root.ToString(), renderer.generated);
    }

    private void Write(string text)
    {
        if (output.Length + (double)text.Length > Budget.MaxText) throw new JinjaError($"the template writes more than {Budget.MaxText:N0} characters.");
        output.Append(text);
    }

    /// <summary>What <paramref name="write"/> writes, as a text of its own.</summary>
    private string Capture(Action write)
    {
        var outer = output;
        output = new StringBuilder();
        try
        {
            write();
            Budget.Allocate(output.Length);
            return output.ToString();
        }
        finally
        {
            output = outer;
        }
    }
}
