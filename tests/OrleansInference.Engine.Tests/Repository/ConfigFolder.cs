using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

/// <summary>A model's folder, whose configuration and files a test writes.</summary>
internal sealed class ConfigFolder : IDisposable
{
    private readonly TemporaryFolder _repository = new();

    public void Dispose() => _repository.Dispose();

    public string Write(string file, string content) => _repository.Write(Path.Combine("model", file), content);

    public ModelConfig Sound(string fields)
    {
        var (config, errors) = Read(fields);
        Assert.Empty(errors);
        return config!;
    }

    public IReadOnlyList<string> Errors(string fields)
    {
        var (config, errors) = Read(fields);
        Assert.Null(config);
        return errors;
    }

    public void AssertError(string expected, string fields) =>
        Assert.Contains(Errors(fields), error => error.Contains(expected, StringComparison.Ordinal));

    public (ModelConfig? Config, IReadOnlyList<string> Errors) Read(string fields) =>
        ModelConfigReader.Read(Path.GetDirectoryName(Write("config.json", $"{{{fields}}}"))!, 1);
}
