using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>A text in the making, which takes what is added to it from the budget.</summary>
internal sealed class TextBuilder(Budget budget)
{
    private readonly StringBuilder _text = new();

    public int Length => _text.Length;

    public TextBuilder Append(string text) => Append(text, 0, text.Length);

    public TextBuilder Append(string text, int start, int length)
    {
        Take(length);
        _text.Append(text, start, length);
        return this;
    }

    public TextBuilder Append(char character, int times = 1)
    {
        Take(times);
        _text.Append(character, times);
        return this;
    }

    public TextBuilder Append(Rune rune) => Append(rune.ToString());

    public override string ToString() => _text.ToString();

    private void Take(int length)
    {
        // What is added so far was taken already, but no text may become longer than the longest.
        if (_text.Length + (double)length > Budget.MaxText) budget.Allocate(double.MaxValue);
        budget.Allocate(length);
    }
}
