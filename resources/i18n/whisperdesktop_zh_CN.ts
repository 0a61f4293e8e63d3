<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>Application</name>
    <message>
        <source>The text was copied</source>
        <translation>文本已复制</translation>
    </message>
    <message>
        <source>Choose model file…</source>
        <translation>选择模型文件…</translation>
    </message>
    <message>
        <source>Saved as {path}</source>
        <translation>已保存为 {path}</translation>
    </message>
    <message>
        <source>Speech to text on your own machine. Nothing you transcribe leaves this computer.

Version {version}
Log file: {log}</source>
        <translation>在您自己的电脑上把语音转成文字。您转写的任何内容都不会离开这台电脑。

版本 {version}
日志文件：{log}</translation>
    </message>
</context>
<context>
    <name>Dialogs</name>
    <message>
        <source>Add recordings</source>
        <translation>添加录音</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
    <message>
        <source>Audio and video files</source>
        <translation>音频和视频文件</translation>
    </message>
    <message>
        <source>Add a folder of recordings</source>
        <translation>添加录音文件夹</translation>
    </message>
    <message>
        <source>Choose a model file</source>
        <translation>选择模型文件</translation>
    </message>
    <message>
        <source>Whisper models</source>
        <translation>Whisper 模型</translation>
    </message>
    <message>
        <source>Save transcript</source>
        <translation>保存文稿</translation>
    </message>
    <message>
        <source>Please confirm</source>
        <translation>请确认</translation>
    </message>
    <message>
        <source>Folder:</source>
        <translation>文件夹：</translation>
    </message>
    <message>
        <source>File &amp;name:</source>
        <translation>文件名(&amp;N)：</translation>
    </message>
    <message>
        <source>Files of type:</source>
        <translation>文件类型：</translation>
    </message>
</context>
<context>
    <name>DropArea</name>
    <message>
        <source>Release to transcribe</source>
        <translation>松开鼠标即可转写</translation>
    </message>
    <message>
        <source>Drop recordings here</source>
        <translation>把录音拖放到这里</translation>
    </message>
    <message>
        <source>Audio and video files of any usual kind, or whole folders</source>
        <translation>支持各种常见的音频和视频文件，也可以是整个文件夹</translation>
    </message>
    <message>
        <source>Everything happens on this computer. Nothing is sent anywhere.</source>
        <translation>一切都在这台电脑上完成，不会发送任何数据。</translation>
    </message>
    <message>
        <source>Choose files…</source>
        <translation>选择文件…</translation>
    </message>
    <message>
        <source>Choose a folder…</source>
        <translation>选择文件夹…</translation>
    </message>
</context>
<context>
    <name>Engine</name>
    <message>
        <source>As requested</source>
        <translation>按您的要求</translation>
    </message>
    <message>
        <source>No NVIDIA driver was found</source>
        <translation>未找到 NVIDIA 驱动程序</translation>
    </message>
    <message>
        <source>The NVIDIA driver was updated and waits for a restart</source>
        <translation>NVIDIA 驱动程序已更新，需要重新启动电脑</translation>
    </message>
    <message>
        <source>The NVIDIA driver does not start (CUDA error {0})</source>
        <translation>NVIDIA 驱动程序无法启动（CUDA 错误 {0}）</translation>
    </message>
    <message>
        <source>An NVIDIA driver was found, but no NVIDIA GPU</source>
        <translation>找到了 NVIDIA 驱动程序，但没有 NVIDIA 显卡</translation>
    </message>
    <message>
        <source>NVIDIA driver {0}found, which supports CUDA {1}; CUDA {2} is needed (driver {3} or newer)</source>
        <translation>找到 NVIDIA 驱动程序 {0}，支持 CUDA {1}；需要 CUDA {2}（驱动程序 {3} 或更高版本）</translation>
    </message>
    <message>
        <source>{0} found, whose compute capability {1} is too old; {2} is needed</source>
        <translation>找到 {0}，但其计算能力 {1} 过低，需要 {2}</translation>
    </message>
    <message>
        <source>{0} found</source>
        <translation>找到 {0}</translation>
    </message>
    <message>
        <source>the GPU engine is not part of this version</source>
        <translation>此版本不含 GPU 引擎</translation>
    </message>
    <message>
        <source>{0}: {1}</source>
        <translation>{0}：{1}</translation>
    </message>
</context>
<context>
    <name>Languages</name>
    <message>
        <source>English</source>
        <translation>英语</translation>
    </message>
    <message>
        <source>Chinese</source>
        <translation>中文</translation>
    </message>
    <message>
        <source>German</source>
        <translation>德语</translation>
    </message>
    <message>
        <source>Spanish</source>
        <translation>西班牙语</translation>
    </message>
    <message>
        <source>Russian</source>
        <translation>俄语</translation>
    </message>
    <message>
        <source>Korean</source>
        <translation>韩语</translation>
    </message>
    <message>
        <source>French</source>
        <translation>法语</translation>
    </message>
    <message>
        <source>Japanese</source>
        <translation>日语</translation>
    </message>
    <message>
        <source>Portuguese</source>
        <translation>葡萄牙语</translation>
    </message>
    <message>
        <source>Turkish</source>
        <translation>土耳其语</translation>
    </message>
    <message>
        <source>Polish</source>
        <translation>波兰语</translation>
    </message>
    <message>
        <source>Catalan</source>
        <translation>加泰罗尼亚语</translation>
    </message>
    <message>
        <source>Dutch</source>
        <translation>荷兰语</translation>
    </message>
    <message>
        <source>Arabic</source>
        <translation>阿拉伯语</translation>
    </message>
    <message>
        <source>Swedish</source>
        <translation>瑞典语</translation>
    </message>
    <message>
        <source>Italian</source>
        <translation>意大利语</translation>
    </message>
    <message>
        <source>Indonesian</source>
        <translation>印度尼西亚语</translation>
    </message>
    <message>
        <source>Hindi</source>
        <translation>印地语</translation>
    </message>
    <message>
        <source>Finnish</source>
        <translation>芬兰语</translation>
    </message>
    <message>
        <source>Vietnamese</source>
        <translation>越南语</translation>
    </message>
    <message>
        <source>Hebrew</source>
        <translation>希伯来语</translation>
    </message>
    <message>
        <source>Ukrainian</source>
        <translation>乌克兰语</translation>
    </message>
    <message>
        <source>Greek</source>
        <translation>希腊语</translation>
    </message>
    <message>
        <source>Malay</source>
        <translation>马来语</translation>
    </message>
    <message>
        <source>Czech</source>
        <translation>捷克语</translation>
    </message>
    <message>
        <source>Romanian</source>
        <translation>罗马尼亚语</translation>
    </message>
    <message>
        <source>Danish</source>
        <translation>丹麦语</translation>
    </message>
    <message>
        <source>Hungarian</source>
        <translation>匈牙利语</translation>
    </message>
    <message>
        <source>Tamil</source>
        <translation>泰米尔语</translation>
    </message>
    <message>
        <source>Norwegian</source>
        <translation>挪威语</translation>
    </message>
    <message>
        <source>Thai</source>
        <translation>泰语</translation>
    </message>
    <message>
        <source>Urdu</source>
        <translation>乌尔都语</translation>
    </message>
    <message>
        <source>Croatian</source>
        <translation>克罗地亚语</translation>
    </message>
    <message>
        <source>Bulgarian</source>
        <translation>保加利亚语</translation>
    </message>
    <message>
        <source>Lithuanian</source>
        <translation>立陶宛语</translation>
    </message>
    <message>
        <source>Latin</source>
        <translation>拉丁语</translation>
    </message>
    <message>
        <source>Maori</source>
        <translation>毛利语</translation>
    </message>
    <message>
        <source>Malayalam</source>
        <translation>马拉雅拉姆语</translation>
    </message>
    <message>
        <source>Welsh</source>
        <translation>威尔士语</translation>
    </message>
    <message>
        <source>Slovak</source>
        <translation>斯洛伐克语</translation>
    </message>
    <message>
        <source>Telugu</source>
        <translation>泰卢固语</translation>
    </message>
    <message>
        <source>Persian</source>
        <translation>波斯语</translation>
    </message>
    <message>
        <source>Latvian</source>
        <translation>拉脱维亚语</translation>
    </message>
    <message>
        <source>Bengali</source>
        <translation>孟加拉语</translation>
    </message>
    <message>
        <source>Serbian</source>
        <translation>塞尔维亚语</translation>
    </message>
    <message>
        <source>Azerbaijani</source>
        <translation>阿塞拜疆语</translation>
    </message>
    <message>
        <source>Slovenian</source>
        <translation>斯洛文尼亚语</translation>
    </message>
    <message>
        <source>Kannada</source>
        <translation>卡纳达语</translation>
    </message>
    <message>
        <source>Estonian</source>
        <translation>爱沙尼亚语</translation>
    </message>
    <message>
        <source>Macedonian</source>
        <translation>马其顿语</translation>
    </message>
    <message>
        <source>Breton</source>
        <translation>布列塔尼语</translation>
    </message>
    <message>
        <source>Basque</source>
        <translation>巴斯克语</translation>
    </message>
    <message>
        <source>Icelandic</source>
        <translation>冰岛语</translation>
    </message>
    <message>
        <source>Armenian</source>
        <translation>亚美尼亚语</translation>
    </message>
    <message>
        <source>Nepali</source>
        <translation>尼泊尔语</translation>
    </message>
    <message>
        <source>Mongolian</source>
        <translation>蒙古语</translation>
    </message>
    <message>
        <source>Bosnian</source>
        <translation>波斯尼亚语</translation>
    </message>
    <message>
        <source>Kazakh</source>
        <translation>哈萨克语</translation>
    </message>
    <message>
        <source>Albanian</source>
        <translation>阿尔巴尼亚语</translation>
    </message>
    <message>
        <source>Swahili</source>
        <translation>斯瓦希里语</translation>
    </message>
    <message>
        <source>Galician</source>
        <translation>加利西亚语</translation>
    </message>
    <message>
        <source>Marathi</source>
        <translation>马拉地语</translation>
    </message>
    <message>
        <source>Punjabi</source>
        <translation>旁遮普语</translation>
    </message>
    <message>
        <source>Sinhala</source>
        <translation>僧伽罗语</translation>
    </message>
    <message>
        <source>Khmer</source>
        <translation>高棉语</translation>
    </message>
    <message>
        <source>Shona</source>
        <translation>绍纳语</translation>
    </message>
    <message>
        <source>Yoruba</source>
        <translation>约鲁巴语</translation>
    </message>
    <message>
        <source>Somali</source>
        <translation>索马里语</translation>
    </message>
    <message>
        <source>Afrikaans</source>
        <translation>南非荷兰语</translation>
    </message>
    <message>
        <source>Occitan</source>
        <translation>奥克语</translation>
    </message>
    <message>
        <source>Georgian</source>
        <translation>格鲁吉亚语</translation>
    </message>
    <message>
        <source>Belarusian</source>
        <translation>白俄罗斯语</translation>
    </message>
    <message>
        <source>Tajik</source>
        <translation>塔吉克语</translation>
    </message>
    <message>
        <source>Sindhi</source>
        <translation>信德语</translation>
    </message>
    <message>
        <source>Gujarati</source>
        <translation>古吉拉特语</translation>
    </message>
    <message>
        <source>Amharic</source>
        <translation>阿姆哈拉语</translation>
    </message>
    <message>
        <source>Yiddish</source>
        <translation>意第绪语</translation>
    </message>
    <message>
        <source>Lao</source>
        <translation>老挝语</translation>
    </message>
    <message>
        <source>Uzbek</source>
        <translation>乌兹别克语</translation>
    </message>
    <message>
        <source>Faroese</source>
        <translation>法罗语</translation>
    </message>
    <message>
        <source>Haitian Creole</source>
        <translation>海地克里奥尔语</translation>
    </message>
    <message>
        <source>Pashto</source>
        <translation>普什图语</translation>
    </message>
    <message>
        <source>Turkmen</source>
        <translation>土库曼语</translation>
    </message>
    <message>
        <source>Nynorsk</source>
        <translation>新挪威语</translation>
    </message>
    <message>
        <source>Maltese</source>
        <translation>马耳他语</translation>
    </message>
    <message>
        <source>Sanskrit</source>
        <translation>梵语</translation>
    </message>
    <message>
        <source>Luxembourgish</source>
        <translation>卢森堡语</translation>
    </message>
    <message>
        <source>Myanmar</source>
        <translation>缅甸语</translation>
    </message>
    <message>
        <source>Tibetan</source>
        <translation>藏语</translation>
    </message>
    <message>
        <source>Tagalog</source>
        <translation>他加禄语</translation>
    </message>
    <message>
        <source>Malagasy</source>
        <translation>马达加斯加语</translation>
    </message>
    <message>
        <source>Assamese</source>
        <translation>阿萨姆语</translation>
    </message>
    <message>
        <source>Tatar</source>
        <translation>鞑靼语</translation>
    </message>
    <message>
        <source>Hawaiian</source>
        <translation>夏威夷语</translation>
    </message>
    <message>
        <source>Lingala</source>
        <translation>林加拉语</translation>
    </message>
    <message>
        <source>Hausa</source>
        <translation>豪萨语</translation>
    </message>
    <message>
        <source>Bashkir</source>
        <translation>巴什基尔语</translation>
    </message>
    <message>
        <source>Javanese</source>
        <translation>爪哇语</translation>
    </message>
    <message>
        <source>Sundanese</source>
        <translation>巽他语</translation>
    </message>
    <message>
        <source>Cantonese</source>
        <translation>粤语</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>A recording is still being transcribed.</source>
        <translation>仍有录音正在转写。</translation>
    </message>
    <message>
        <source>If you quit now, its text is lost.</source>
        <translation>如果现在退出，它的文本将会丢失。</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>Only files on this computer can be transcribed</source>
        <translation>只能转写这台电脑上的文件</translation>
    </message>
    <message>
        <source>Save the recording to a folder first, and drop it from there.</source>
        <translation>请先把录音保存到文件夹中，再从那里拖放。</translation>
    </message>
    <message>
        <source>The text of {name} has not been saved.</source>
        <translation>{name} 的文本尚未保存。</translation>
    </message>
    <message>
        <source>Keep working</source>
        <translation>继续转写</translation>
    </message>
    <message>
        <source>If you remove it from the list, its text is lost. The recording itself stays.</source>
        <translation>如果从列表中移除，它的文本将会丢失。录音文件本身会保留。</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Add recordings…</source>
        <translation>添加录音…</translation>
    </message>
    <message>
        <source>Pick files; or drop files and folders anywhere in this window</source>
        <translation>选择文件；也可以把文件和文件夹拖放到此窗口的任何位置</translation>
    </message>
    <message>
        <source>Recordings</source>
        <translation>录音</translation>
    </message>
    <message>
        <source>None yet</source>
        <translation>还没有录音</translation>
    </message>
</context>
<context>
    <name>Menus</name>
    <message>
        <source>&amp;Add recordings…</source>
        <translation>添加录音(&amp;A)…</translation>
    </message>
    <message>
        <source>Add a &amp;folder…</source>
        <translation>添加文件夹(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Save transcript as…</source>
        <translation>文稿另存为(&amp;S)…</translation>
    </message>
    <message>
        <source>Choose &amp;model file…</source>
        <translation>选择模型文件(&amp;M)…</translation>
    </message>
    <message>
        <source>Use the &amp;built-in model</source>
        <translation>使用内置模型(&amp;B)</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Copy transcript</source>
        <translation>复制文稿(&amp;C)</translation>
    </message>
    <message>
        <source>Ca&amp;ncel</source>
        <translation>取消(&amp;N)</translation>
    </message>
    <message>
        <source>Cance&amp;l all</source>
        <translation>全部取消(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Transcribe again</source>
        <translation>重新转写(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Remove from the list</source>
        <translation>从列表中移除(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;About WhisperDesktop NG</source>
        <translation>关于 WhisperDesktop NG(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Recording</source>
        <translation>录音(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>主题(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>语言(&amp;L)</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
</context>
<context>
    <name>MessageBar</name>
    <message>
        <source>Close this message</source>
        <translation>关闭此消息</translation>
    </message>
</context>
<context>
    <name>OptionsBar</name>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Task</source>
        <translation>任务</translation>
    </message>
    <message>
        <source>Language of the recordings</source>
        <translation>录音的语言</translation>
    </message>
    <message>
        <source>The language spoken in the recordings that are added next</source>
        <translation>接下来添加的录音中所说的语言</translation>
    </message>
    <message>
        <source>What to do with the recordings that are added next</source>
        <translation>对接下来添加的录音做什么</translation>
    </message>
    <message>
        <source>Transcribe</source>
        <translation>转写</translation>
    </message>
    <message>
        <source>Translate into English</source>
        <translation>翻译成英语</translation>
    </message>
    <message>
        <source>Detect the language</source>
        <translation>自动检测语言</translation>
    </message>
</context>
<context>
    <name>Placeholder</name>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Choose model file…</source>
        <translation>选择模型文件…</translation>
    </message>
</context>
<context>
    <name>Problems</name>
    <message>
        <source>The model file cannot be read</source>
        <translation>无法读取模型文件</translation>
    </message>
    <message>
        <source>Choose a model file that is there and may be read.</source>
        <translation>请选择一个存在且允许读取的模型文件。</translation>
    </message>
    <message>
        <source>This file is not a Whisper model</source>
        <translation>此文件不是 Whisper 模型</translation>
    </message>
    <message>
        <source>Choose a Whisper model in ggml (.bin) or GGUF form.</source>
        <translation>请选择 ggml（.bin）或 GGUF 格式的 Whisper 模型。</translation>
    </message>
    <message>
        <source>The model is quantized in a way that is not supported</source>
        <translation>不支持此模型的量化方式</translation>
    </message>
    <message>
        <source>Choose a model in another quantization, such as Q5_1 or Q8_0.</source>
        <translation>请选择其他量化方式的模型，例如 Q5_1 或 Q8_0。</translation>
    </message>
    <message>
        <source>The model file is of an outdated form</source>
        <translation>模型文件的格式已过时</translation>
    </message>
    <message>
        <source>Download a current version of the model.</source>
        <translation>请下载此模型的最新版本。</translation>
    </message>
    <message>
        <source>The model file is damaged</source>
        <translation>模型文件已损坏</translation>
    </message>
    <message>
        <source>Download or copy the model file again, or choose another one.</source>
        <translation>请重新下载或复制模型文件，或选择其他模型。</translation>
    </message>
    <message>
        <source>The file holds another kind of model</source>
        <translation>此文件是其他种类的模型</translation>
    </message>
    <message>
        <source>The model file cannot be used</source>
        <translation>无法使用此模型文件</translation>
    </message>
    <message>
        <source>Choose another model file.</source>
        <translation>请选择其他模型文件。</translation>
    </message>
    <message>
        <source>The model file wants to run code</source>
        <translation>模型文件想要运行代码</translation>
    </message>
    <message>
        <source>Nothing of it was run. Do not trust the file; get the model elsewhere.</source>
        <translation>没有运行其中任何代码。请勿信任此文件，请从别处获取模型。</translation>
    </message>
    <message>
        <source>The model cannot be written in this way</source>
        <translation>无法以这种方式写入模型</translation>
    </message>
    <message>
        <source>Choose another type of weights.</source>
        <translation>请选择其他权重类型。</translation>
    </message>
    <message>
        <source>No model is loaded</source>
        <translation>尚未加载模型</translation>
    </message>
    <message>
        <source>Choose a model file.</source>
        <translation>请选择一个模型文件。</translation>
    </message>
    <message>
        <source>Check the file&apos;s name, its folder and your permission to read it.</source>
        <translation>请检查文件名、所在文件夹以及您的读取权限。</translation>
    </message>
    <message>
        <source>Choose a file with an audio track.</source>
        <translation>请选择带有音轨的文件。</translation>
    </message>
    <message>
        <source>Recording not found or not readable</source>
        <translation>找不到或无法读取录音</translation>
    </message>
    <message>
        <source>No sound in this file</source>
        <translation>此文件中没有声音</translation>
    </message>
    <message>
        <source>Not a playable recording</source>
        <translation>不是可以播放的录音</translation>
    </message>
    <message>
        <source>Check that it plays in a media player; copy or download it again.</source>
        <translation>请检查它能否在播放器中播放；或重新复制、下载。</translation>
    </message>
    <message>
        <source>The recording cannot be read</source>
        <translation>无法读取录音</translation>
    </message>
    <message>
        <source>Check that it plays in a media player.</source>
        <translation>请检查它能否在播放器中播放。</translation>
    </message>
    <message>
        <source>The device cannot be used</source>
        <translation>无法使用此设备</translation>
    </message>
    <message>
        <source>Use the processor (CPU) instead.</source>
        <translation>请改用处理器（CPU）。</translation>
    </message>
    <message>
        <source>There is not enough memory on the device</source>
        <translation>设备内存不足</translation>
    </message>
    <message>
        <source>Close other programs, or choose a smaller model.</source>
        <translation>请关闭其他程序，或选择更小的模型。</translation>
    </message>
    <message>
        <source>The device stopped working</source>
        <translation>设备停止工作</translation>
    </message>
    <message>
        <source>Start the program again; if that does not help, restart the computer.</source>
        <translation>请重新启动本程序；如果无效，请重新启动电脑。</translation>
    </message>
    <message>
        <source>The model cannot do this</source>
        <translation>此模型做不到</translation>
    </message>
    <message>
        <source>Choose another language or task, or a multilingual model.</source>
        <translation>请选择其他语言或任务，或使用多语言模型。</translation>
    </message>
    <message>
        <source>There is not enough memory</source>
        <translation>内存不足</translation>
    </message>
    <message>
        <source>The program made a mistake</source>
        <translation>程序出错了</translation>
    </message>
    <message>
        <source>Please report it with the log file; Help &gt; About shows where it is.</source>
        <translation>请附上日志文件报告此问题；“帮助 &gt; 关于”中可以看到它的位置。</translation>
    </message>
    <message>
        <source>The file could not be written</source>
        <translation>无法写入文件</translation>
    </message>
    <message>
        <source>Choose another folder, or make room on the disk.</source>
        <translation>请选择其他文件夹，或腾出磁盘空间。</translation>
    </message>
</context>
<context>
    <name>Recordings</name>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Transcribing…</source>
        <translation>正在转写…</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>Cancelled · partial text</source>
        <translation>已取消 · 部分文本</translation>
    </message>
    <message>
        <source>Cancelled</source>
        <translation>已取消</translation>
    </message>
</context>
<context>
    <name>RecordingsView</name>
    <message>
        <source>Recordings</source>
        <translation>录音</translation>
    </message>
</context>
<context>
    <name>StatusPanel</name>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Choose another model…</source>
        <translation>选择其他模型…</translation>
    </message>
    <message>
        <source>Real-time factor: processing seconds per second of audio. Below 1 is faster than real time.</source>
        <translation>实时率：处理每秒音频所用的秒数。小于 1 表示快于实时。</translation>
    </message>
    <message>
        <source>Loading {name}…</source>
        <translation>正在加载 {name}…</translation>
    </message>
    <message>
        <source>{name} could not be loaded</source>
        <translation>无法加载 {name}</translation>
    </message>
    <message>
        <source>{size} used</source>
        <translation>已用 {size}</translation>
    </message>
    <message>
        <source>peak {size}</source>
        <translation>峰值 {size}</translation>
    </message>
    <message>
        <source>{size} free</source>
        <translation>可用 {size}</translation>
    </message>
    <message>
        <source>{name} (chosen)</source>
        <translation>{name}（已指定）</translation>
    </message>
    <message>
        <source>{name} (detected, {percent})</source>
        <translation>{name}（检测到，{percent}）</translation>
    </message>
</context>
<context>
    <name>Texts</name>
    <message>
        <source>almost done</source>
        <translation>即将完成</translation>
    </message>
    <message>
        <source>about {n} s left</source>
        <translation>大约还需 {n} 秒</translation>
    </message>
    <message>
        <source>about {n} min left</source>
        <translation>大约还需 {n} 分钟</translation>
    </message>
    <message>
        <source>about {h} h {m} min left</source>
        <translation>大约还需 {h} 小时 {m} 分钟</translation>
    </message>
    <message>
        <source>{n} %</source>
        <translation>{n}%</translation>
    </message>
    <message>
        <source>{rtf} ({speed}× faster than real time)</source>
        <translation>{rtf}（实时速度的 {speed} 倍）</translation>
    </message>
    <message>
        <source>{rtf} ({speed}× slower than real time)</source>
        <translation>{rtf}（慢于实时，用时 {speed} 倍）</translation>
    </message>
    <message>
        <source>Plain text</source>
        <translation>纯文本</translation>
    </message>
    <message>
        <source>SubRip subtitles</source>
        <translation>SubRip 字幕</translation>
    </message>
    <message>
        <source>WebVTT subtitles</source>
        <translation>WebVTT 字幕</translation>
    </message>
    <message>
        <source>Tab-separated table</source>
        <translation>制表符分隔的表格</translation>
    </message>
    <message>
        <source>JSON with all details</source>
        <translation>包含全部细节的 JSON</translation>
    </message>
</context>
<context>
    <name>Transcript</name>
    <message>
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
</context>
<context>
    <name>TranscriptPage</name>
    <message>
        <source>Starting…</source>
        <translation>正在开始…</translation>
    </message>
    <message>
        <source>{position} of {length}</source>
        <translation>{position} / {length}</translation>
    </message>
    <message>
        <source>Cancelled: the text ends at {time} of the recording.</source>
        <translation>已取消：文本到录音的 {time} 为止。</translation>
    </message>
    <message>
        <source>Waiting for its turn</source>
        <translation>正在排队等待</translation>
    </message>
    <message>
        <source>The text appears here as it is recognised</source>
        <translation>识别出的文本会显示在这里</translation>
    </message>
    <message>
        <source>No speech was found in this recording</source>
        <translation>此录音中没有发现语音</translation>
    </message>
    <message>
        <source>Cancelled before there was any text</source>
        <translation>在得到文本之前已取消</translation>
    </message>
    <message>
        <source>Partial</source>
        <translation>部分</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Stop this recording; the text so far stays</source>
        <translation>停止转写此录音；已有的文本会保留</translation>
    </message>
    <message>
        <source>Transcribe again</source>
        <translation>重新转写</translation>
    </message>
    <message>
        <source>Transcribe this recording again with the language and task chosen above</source>
        <translation>按上方所选的语言和任务重新转写此录音</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy the whole text</source>
        <translation>复制全部文本</translation>
    </message>
    <message>
        <source>Save as</source>
        <translation>另存为</translation>
    </message>
    <message>
        <source>Save the transcript to a file</source>
        <translation>把文稿保存到文件</translation>
    </message>
    <message>
        <source>Jump to the newest text</source>
        <translation>跳到最新文本</translation>
    </message>
    <message>
        <source>Transcript</source>
        <translation>文稿</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
</context>
</TS>
