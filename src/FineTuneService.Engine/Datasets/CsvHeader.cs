using System.Text;

namespace FineTuneService.Engine.Datasets;

/// <summary>The first record of a CSV file: which columns there are, and what stands between them.</summary>
internal sealed record CsvHeader(char Separator, IReadOnlyList<string> Columns)
{
    /// <summary>In the order in which they are tried: Excel writes semicolons where the comma is the decimal point.</summary>
    public static ReadOnlySpan<byte> Separators => ",;\t|"u8;

    /// <summary>Takes the header; null where the file ends before one.</summary>
    /// <param name="names">What the user says of the columns, in the file's own spelling; null: columns of a known format are looked for, in any case.</param>
    /// <exception cref="DatasetException">Its columns are not those of rows to train on.</exception>
    public static CsvHeader? Read(LineReader lines, DatasetColumns? names, WarningList warnings)
    {
        while (lines.Ahead(0) is { } blank && blank.Span.Trim(" \t\r"u8).IsEmpty)
        {
            lines.Next();
            warnings.Add(lines.Line, "blank lines are skipped.");
        }
        var wanted = new WantedColumns(names);
        var given = GivenSeparator(lines, warnings);
        if (lines.Ahead(0) is not { } line) return null;
        var header = Encoding.UTF8.GetString(line.Span);
        if ((given ?? Detect(header, wanted)) is not { } separator) throw NoColumns(lines.Line + 1, header, wanted);
        var raw = new CsvRecords(lines, separator).Next()!;
        if (separator != ',' && given is null) warnings.Add(lines.Line, $"the columns are separated by '{(separator == '\t' ? "\\t" : separator)}' instead of ','.");
        string[] columns = [.. raw.Select(wanted.Normal)];
        foreach (var (read, written) in columns.Zip(raw))
            if (read != written) warnings.Add(lines.Line, $"the column '{Clip.To(written, 40)}' is read as '{Clip.To(read, 40)}'.");
        if (!wanted.Holds(columns)) throw NoColumns(lines.Line, header, wanted);
        if (columns.GroupBy(column => column).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new DatasetException(lines.Line, $"two columns are called '{Clip.To(twice.Key, 40)}'.");
        return new CsvHeader(separator, columns);
    }

    /// <summary>Excel's first line of its own, "sep=;".</summary>
    private static char? GivenSeparator(LineReader lines, WarningList warnings)
    {
        if (lines.Ahead(0) is not { } line || !line.Span.StartsWith("sep="u8) || line.Span.TrimEnd("\r"u8).Length != 5) return null;
        var separator = (char)line.Span[4];
        lines.Next();
        warnings.Add(lines.Line, $"the first line, 'sep={separator}', says what separates the columns.");
        return separator;
    }

    private static char? Detect(string header, WantedColumns wanted)
    {
        foreach (var separator in Separators)
            if (wanted.Holds([.. header.Split((char)separator).Select(name => wanted.Normal(name.Trim().Trim('"')))])) return (char)separator;
        return null;
    }

    private static DatasetException NoColumns(int line, string header, WantedColumns wanted) => new(line,
        $"the header '{Clip.To(header.TrimEnd('\r'), 80)}' has {wanted}, separated by ',', ';', tab or '|'.");
}
